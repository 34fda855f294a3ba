// parameters go by position
>> {"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":{"block":"latest"}}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid params: params must be a list: parameters go by position, found an object","data":{"reason":"invalid_parameter","field":"params","expected":"a list: parameters go by position","actual":"an object"}}}
