// an address has 20 bytes
>> {"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x1234","latest"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid params: address must be 20 bytes in hex, found \"0x1234\"","data":{"reason":"invalid_parameter","field":"address","expected":"20 bytes in hex","actual":"0x1234"}}}
