// quantities have no leading zeros
>> {"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x5d5c99edf529335160ff180fa141dd4967fc00d2","0x01"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid params: block must be a quantity: 0x and hex digits without leading zeros, found \"0x01\"","data":{"reason":"invalid_parameter","field":"block","expected":"a quantity: 0x and hex digits without leading zeros","actual":"0x01"}}}
