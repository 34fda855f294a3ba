// no block has uncles, and an unknown block is null
>> {"jsonrpc":"2.0","id":1,"method":"eth_getUncleCountByBlockHash","params":["0x44136f822d4986a9dbd986deecb21724191d64964d0d29dc9346ca58170e4eac"]}
<< {"jsonrpc":"2.0","id":1,"result":"0x0"}
>> {"jsonrpc":"2.0","id":1,"method":"eth_getUncleCountByBlockHash","params":["0x7777777777777777777777777777777777777777777777777777777777777777"]}
<< {"jsonrpc":"2.0","id":1,"result":null}
