// a slot has at most 32 bytes
>> {"jsonrpc":"2.0","id":1,"method":"eth_getStorageAt","params":["0x5cee100000000000000000000000000000000001","0x00000000000000000000000000000000000000000000000000000000000000000","latest"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid params: slot must be 0x and 1 to 64 hex digits, found \"0x00000000000000000000000000000000000000000000000000000000000000000\"","data":{"reason":"invalid_parameter","field":"slot","expected":"0x and 1 to 64 hex digits","actual":"0x00000000000000000000000000000000000000000000000000000000000000000"}}}
