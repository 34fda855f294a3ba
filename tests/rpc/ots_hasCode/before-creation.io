// not before it; heights may be JSON numbers
>> {"jsonrpc":"2.0","id":1,"method":"ots_hasCode","params":["0x248e85939e48ca12a20cdf80e60d9e3d380ca7f9",1]}
<< {"jsonrpc":"2.0","id":1,"result":false}
