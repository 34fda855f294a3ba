// no bytes
>> {"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["0x"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"transaction is not decodable: no bytes at all","data":{"reason":"malformed","actual":"no bytes at all"}}}
