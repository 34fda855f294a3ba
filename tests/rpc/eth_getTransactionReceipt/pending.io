// no receipt before finality
>> {"jsonrpc":"2.0","id":1,"method":"eth_getTransactionReceipt","params":["0x880cab08afdd215fcd3ff4f9246706363ca1b201519ece20379d69a685e77017"]}
<< {"jsonrpc":"2.0","id":1,"result":null}
