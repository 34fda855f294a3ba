// a missing parameter is named
>> {"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":[]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid params: missing value for required argument 0: address","data":{"reason":"missing_parameter","field":"address","expected":0}}}
