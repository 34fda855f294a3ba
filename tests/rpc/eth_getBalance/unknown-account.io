// an account that does not exist has nothing
>> {"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x9999999999999999999999999999999999999999","0x1"]}
<< {"jsonrpc":"2.0","id":1,"result":"0x0"}
