// a height to come
>> {"jsonrpc":"2.0","id":1,"method":"sycee_getSupply","params":["EUR","0x9"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"block not found: 0x9 is not a final block of this chain","data":{"reason":"block_not_found","actual":"0x9"}}}
