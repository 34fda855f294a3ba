// every log of the range, told or not
>> {"jsonrpc":"2.0","id":1,"method":"eth_newFilter","params":[{"fromBlock":"0x2"}]}
<< {"jsonrpc":"2.0","id":1,"result":"0x80000000000000000000000000000007"}
>> {"jsonrpc":"2.0","id":2,"method":"eth_getFilterLogs","params":["0x80000000000000000000000000000007"]}
<< {"jsonrpc":"2.0","id":2,"result":[{"removed":false,"logIndex":"0x0","transactionIndex":"0x0","transactionHash":"0xaf193ea0a799d13e28ca422188aef7c428dd87048a6ccbf49985731077a1a699","blockHash":"0x016c9ab4739ffe0645110da9ffda188d99f53f4e271e28848afed0db64fd8ac8","blockNumber":"0x2","blockTimestamp":"0x6553f102","address":"0x5cee100000000000000000000000000000000001","data":"0x0000000000000000000000000000000000000000000000000000000000000005","topics":["0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef","0x0000000000000000000000005d5c99edf529335160ff180fa141dd4967fc00d2","0x000000000000000000000000af295d3c842bc1145e818d7fef2c929726625620"]}]}
