// what is revoked after the last final block, and after a certain one
>> {"jsonrpc":"2.0","id":1,"method":"sycee_getRevocations","params":[]}
<< {"jsonrpc":"2.0","id":1,"result":{"height":2,"time":1800000000,"prefixes":["0x0101010101010101","0x0202020202020202"]}}
>> {"jsonrpc":"2.0","id":2,"method":"sycee_getRevocations","params":[1]}
<< {"jsonrpc":"2.0","id":2,"result":{"height":1,"time":1800000000,"prefixes":["0x0101010101010101","0x0202020202020202"]}}

// a height that is not final
>> {"jsonrpc":"2.0","id":3,"method":"sycee_getRevocations","params":["0xffff"]}
<< {"jsonrpc":"2.0","id":3,"error":{"code":-32602,"message":"invalid params: height must be at most 0x2, found \"0xffff\"","data":{"reason":"invalid_parameter","field":"height","expected":"at most 0x2","actual":"0xffff"}}}
