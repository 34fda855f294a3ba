// by hash
>> {"jsonrpc":"2.0","id":1,"method":"eth_getBlockTransactionCountByHash","params":["0x44136f822d4986a9dbd986deecb21724191d64964d0d29dc9346ca58170e4eac"]}
<< {"jsonrpc":"2.0","id":1,"result":"0x3"}
