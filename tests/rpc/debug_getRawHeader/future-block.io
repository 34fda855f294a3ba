// no final block is there yet
>> {"jsonrpc":"2.0","id":1,"method":"debug_getRawHeader","params":["0x99"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"block not found: 0x99 is not a final block of this chain","data":{"reason":"block_not_found","actual":"0x99"}}}
