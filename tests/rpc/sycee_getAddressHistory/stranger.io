// nothing happened
>> {"jsonrpc":"2.0","id":1,"method":"sycee_getAddressHistory","params":["0x7777777777777777777777777777777777777777"]}
<< {"jsonrpc":"2.0","id":1,"result":{"transactions":[],"nextCursor":null,"height":3}}
