// above the head
>> {"jsonrpc":"2.0","id":1,"method":"ots_getBlockDetails","params":[9]}
<< {"jsonrpc":"2.0","id":1,"result":null}
