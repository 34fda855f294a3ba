// a node holds no keys and says what to use instead
>> {"jsonrpc":"2.0","id":1,"method":"eth_sign","params":["0x5cee100000000000000000000000000000000001","0x01"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32004,"message":"not supported by this node: eth_sign; sign in a wallet with personal_sign (EIP-191) or typed data (EIP-712)","data":{"reason":"not_supported","actual":"eth_sign"}}}
