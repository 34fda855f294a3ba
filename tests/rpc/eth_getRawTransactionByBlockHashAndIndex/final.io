// bytes as signed, null beyond the last and for an unknown block
>> {"jsonrpc":"2.0","id":1,"method":"eth_getRawTransactionByBlockHashAndIndex","params":["0x44136f822d4986a9dbd986deecb21724191d64964d0d29dc9346ca58170e4eac","0x0"]}
<< {"jsonrpc":"2.0","id":1,"result":"0x02f8aa825cee800307830186a0945cee10000000000000000000000000000000000180b844a9059cbb000000000000000000000000af295d3c842bc1145e818d7fef2c9297266256200000000000000000000000000000000000000000000000000000000000000005c001a07758e7ee98444e59f718362d6f9932d021ce31bef2d0dd62c67bde8adaa7f46ca072a240e05f009ce20ace0bac54db9b48bae32ba00b6296457025c036709ad67c"}
>> {"jsonrpc":"2.0","id":1,"method":"eth_getRawTransactionByBlockHashAndIndex","params":["0x44136f822d4986a9dbd986deecb21724191d64964d0d29dc9346ca58170e4eac","0x9"]}
<< {"jsonrpc":"2.0","id":1,"result":null}
>> {"jsonrpc":"2.0","id":1,"method":"eth_getRawTransactionByBlockHashAndIndex","params":["0x7777777777777777777777777777777777777777777777777777777777777777","0x0"]}
<< {"jsonrpc":"2.0","id":1,"result":null}
