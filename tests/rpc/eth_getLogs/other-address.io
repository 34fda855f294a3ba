// nothing matches
>> {"jsonrpc":"2.0","id":1,"method":"eth_getLogs","params":[{"fromBlock":"0x1","toBlock":"0x2","address":["0x5d5c99edf529335160ff180fa141dd4967fc00d2"]}]}
<< {"jsonrpc":"2.0","id":1,"result":[]}
