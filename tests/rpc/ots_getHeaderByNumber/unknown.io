// above the head
>> {"jsonrpc":"2.0","id":1,"method":"ots_getHeaderByNumber","params":["0x9"]}
<< {"jsonrpc":"2.0","id":1,"result":null}
