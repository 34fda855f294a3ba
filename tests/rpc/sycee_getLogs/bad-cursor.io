// a cursor is what an answer gave
>> {"jsonrpc":"2.0","id":1,"method":"sycee_getLogs","params":[{"fromBlock":"0x2"},"0x01"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid params: cursor must be nextCursor of an earlier answer, found \"0x01\"","data":{"reason":"invalid_parameter","field":"cursor","expected":"nextCursor of an earlier answer","actual":"0x01"}}}
