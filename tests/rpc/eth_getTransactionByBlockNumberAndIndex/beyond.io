// an index beyond the last is null
>> {"jsonrpc":"2.0","id":1,"method":"eth_getTransactionByBlockNumberAndIndex","params":["0x1","0x9"]}
<< {"jsonrpc":"2.0","id":1,"result":null}
