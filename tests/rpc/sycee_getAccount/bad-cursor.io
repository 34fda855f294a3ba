// a cursor that no answer gave
>> {"jsonrpc":"2.0","id":1,"method":"sycee_getAccount","params":["0x1a642f0e3c3af545e7acbd38b07251b3990914f1","latest","0x00"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid params: cursor must be nextCursor of an earlier answer, found \"0x00\"","data":{"reason":"invalid_parameter","field":"cursor","expected":"nextCursor of an earlier answer","actual":"0x00"}}}
