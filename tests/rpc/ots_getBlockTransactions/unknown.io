// above the head
>> {"jsonrpc":"2.0","id":1,"method":"ots_getBlockTransactions","params":[9,0,25]}
<< {"jsonrpc":"2.0","id":1,"result":null}
