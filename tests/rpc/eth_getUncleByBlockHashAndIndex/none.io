// no block has uncles
>> {"jsonrpc":"2.0","id":1,"method":"eth_getUncleByBlockHashAndIndex","params":["0x44136f822d4986a9dbd986deecb21724191d64964d0d29dc9346ca58170e4eac","0x0"]}
<< {"jsonrpc":"2.0","id":1,"result":null}
>> {"jsonrpc":"2.0","id":1,"method":"eth_getUncleByBlockHashAndIndex","params":["0x7777777777777777777777777777777777777777777777777777777777777777","0x0"]}
<< {"jsonrpc":"2.0","id":1,"result":null}
