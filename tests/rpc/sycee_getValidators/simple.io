// the set of the current epoch
>> {"jsonrpc":"2.0","id":1,"method":"sycee_getValidators","params":[]}
<< {"jsonrpc":"2.0","id":1,"result":{"epoch":0,"quorum":1,"validators":[{"index":0,"name":"alpha","operator":"0x5d5c99edf529335160ff180fa141dd4967fc00d2","consensusKey":"0x1111111111111111111111111111111111111111111111111111111111111111","attestationKey":"0x2222222222222222222222222222222222222222222222222222222222222222"}]}}
