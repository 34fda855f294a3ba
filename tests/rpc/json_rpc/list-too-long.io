// fails as a whole
>> [{"jsonrpc":"2.0","id":0,"method":"eth_chainId","params":[]},{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]},{"jsonrpc":"2.0","id":2,"method":"eth_chainId","params":[]},{"jsonrpc":"2.0","id":3,"method":"eth_chainId","params":[]}]
<< {"jsonrpc":"2.0","id":null,"error":{"code":-32005,"message":"batch too large: 4 calls, at most 3","data":{"reason":"call_list_too_long","limit":3,"actual":4}}}
