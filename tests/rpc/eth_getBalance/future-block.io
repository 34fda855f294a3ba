// a height above the head is not found
>> {"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x5d5c99edf529335160ff180fa141dd4967fc00d2","0x63"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"block not found: 0x63 is not a final block of this chain","data":{"reason":"block_not_found","actual":"0x63"}}}
