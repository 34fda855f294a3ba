// no data object here either
>> {"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{"from":"0x5d5c99edf529335160ff180fa141dd4967fc00d2","to":"0x5cee100000000000000000000000000000000001","data":"0xa9059cbb000000000000000000000000af295d3c842bc1145e818d7fef2c9297266256200000000000000000000000000000000000000000000000000000000000000005"},"0x63"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"block not found: 0x63 is not a final block of this chain [block_not_found]"}}
