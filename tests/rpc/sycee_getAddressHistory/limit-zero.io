// a page has something
>> {"jsonrpc":"2.0","id":1,"method":"sycee_getAddressHistory","params":["0x1a642f0e3c3af545e7acbd38b07251b3990914f1",null,0]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid params: limit must be between 1 and 500, found 0","data":{"reason":"invalid_parameter","field":"limit","expected":"between 1 and 500","actual":"0"}}}
