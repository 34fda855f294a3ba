// named in the answer
>> {"jsonrpc":"2.0","id":1,"method":"eth_mine","params":[]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"the method eth_mine does not exist/is not available","data":{"reason":"method_not_found","actual":"eth_mine"}}}
