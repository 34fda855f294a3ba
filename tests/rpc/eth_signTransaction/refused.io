// a node holds no keys and says what to use instead
>> {"jsonrpc":"2.0","id":1,"method":"eth_signTransaction","params":[{"from":"0x5cee100000000000000000000000000000000001","to":"0x5cee100000000000000000000000000000000001"}]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32004,"message":"not supported by this node: eth_signTransaction; sign in a wallet and use eth_sendRawTransaction","data":{"reason":"not_supported","actual":"eth_signTransaction"}}}
