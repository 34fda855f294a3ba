// one line each
>> {"jsonrpc":"2.0","id":1,"method":"txpool_inspect","params":[]}
<< {"jsonrpc":"2.0","id":1,"result":{"pending":{"0x5d5c99edf529335160ff180fa141dd4967fc00d2":{"4":"0x5cee100000000000000000000000000000000001: 0 wei + 100000 gas × 7 wei"}},"queued":{}}}
