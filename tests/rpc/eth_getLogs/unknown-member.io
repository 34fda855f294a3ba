// members must be known
>> {"jsonrpc":"2.0","id":1,"method":"eth_getLogs","params":[{"form":"0x1"}]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid params: filter must be an object with members of ['address', 'blockHash', 'fromBlock', 'toBlock', 'topics'], found \"form\"","data":{"reason":"invalid_parameter","field":"filter","expected":"an object with members of ['address', 'blockHash', 'fromBlock', 'toBlock', 'topics']","actual":"form"}}}
