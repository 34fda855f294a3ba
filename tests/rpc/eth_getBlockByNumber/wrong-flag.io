// the second parameter is a boolean
>> {"jsonrpc":"2.0","id":1,"method":"eth_getBlockByNumber","params":["latest","yes"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid params: fullTransactions must be true or false, found \"yes\"","data":{"reason":"invalid_parameter","field":"fullTransactions","expected":"true or false","actual":"yes"}}}
