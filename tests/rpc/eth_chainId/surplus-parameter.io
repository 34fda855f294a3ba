// a parameter too many is an error
>> {"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":["latest"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid params: too many arguments, want at most 0, found 1","data":{"reason":"surplus_parameters","expected":0,"actual":1}}}
