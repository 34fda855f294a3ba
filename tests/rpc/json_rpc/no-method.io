// a method is a string
>> {"jsonrpc":"2.0","id":"x","method":7}
<< {"jsonrpc":"2.0","id":"x","error":{"code":-32600,"message":"invalid request: method must be a string, found 7","data":{"reason":"invalid_request","field":"method","expected":"a string","actual":"7"}}}
