// only JSON-RPC 2.0
>> {"id":1,"method":"eth_chainId"}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"invalid request: jsonrpc must be \"2.0\", found null","data":{"reason":"invalid_request","field":"jsonrpc","expected":"\"2.0\"","actual":"null"}}}
