// an id is an integer, a string or null
>> {"jsonrpc":"2.0","id":{"a":1},"method":"eth_chainId"}
<< {"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid request: id must be an integer, null or up to 256 characters, found an object","data":{"reason":"invalid_request","field":"id","expected":"an integer, null or up to 256 characters","actual":"an object"}}}
