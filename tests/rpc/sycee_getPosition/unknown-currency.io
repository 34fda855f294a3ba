// the error names currencies that exist
>> {"jsonrpc":"2.0","id":1,"method":"sycee_getPosition","params":["XXX","0x5d5c99edf529335160ff180fa141dd4967fc00d2"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid params: currency must be a currency's code or address (such as EUR), found \"XXX\"","data":{"reason":"invalid_parameter","field":"currency","expected":"a currency's code or address (such as EUR)","actual":"XXX"}}}
