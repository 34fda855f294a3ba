// says where to resume
>> {"jsonrpc":"2.0","id":1,"method":"eth_getLogs","params":[{"fromBlock":"earliest","toBlock":"latest"}]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"block range too large: at most 2 blocks, then resume from 0x2","data":{"reason":"range_too_large","limit":2,"resume_from":"0x2"}}}
