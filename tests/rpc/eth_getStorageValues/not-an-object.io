// slots go by account
>> {"jsonrpc":"2.0","id":1,"method":"eth_getStorageValues","params":[["0x0"]]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid params: requests must be an object of addresses with lists of slots, found a list of 1","data":{"reason":"invalid_parameter","field":"requests","expected":"an object of addresses with lists of slots","actual":"a list of 1"}}}
