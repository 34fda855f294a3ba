// errors other than a revert carry no data: the reason is in brackets
>> {"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{"from":"0x5d5c99edf529335160ff180fa141dd4967fc00d2","data":"0x60"},"latest"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"out of gas [execution_failed]"}}
