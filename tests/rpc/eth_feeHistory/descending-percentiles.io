// percentiles must ascend
>> {"jsonrpc":"2.0","id":1,"method":"eth_feeHistory","params":["0x1","latest",[75,25]]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid params: rewardPercentiles must be ascending numbers from 0 to 100, found 25","data":{"reason":"invalid_parameter","field":"rewardPercentiles","expected":"ascending numbers from 0 to 100","actual":"25"}}}
