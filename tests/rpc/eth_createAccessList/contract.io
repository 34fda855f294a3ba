// a contract that writes a slot and calls a currency
>> {"jsonrpc":"2.0","id":1,"method":"eth_createAccessList","params":[{"from":"0x5050a4f4b3f9338c3472dcc01a87c76a144b3c9c","to":"0x248e85939e48ca12a20cdf80e60d9e3d380ca7f9","data":"0xcafebabe"}]}
<< {"jsonrpc":"2.0","id":1,"result":{"accessList":[{"address":"0x248e85939e48ca12a20cdf80e60d9e3d380ca7f9","storageKeys":["0x0000000000000000000000000000000000000000000000000000000000000000"]},{"address":"0x5cee100000000000000000000000000000000001","storageKeys":[]}],"gasUsed":"0x9eca"}}
