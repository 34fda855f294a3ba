// heights in the wrong order
>> {"jsonrpc":"2.0","id":1,"method":"sycee_getStatement","params":["EUR","0x1a642f0e3c3af545e7acbd38b07251b3990914f1",3,2]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid block range params","data":{"reason":"invalid_block_range","from":3,"to":2,"head":3}}}
