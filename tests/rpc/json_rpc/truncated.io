// not JSON
>> {"jsonrpc":"2.0","id":1,"met
<< {"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"invalid JSON: unexpected end of data: line 1 column 29 (char 28)","data":{"reason":"invalid_json"}}}
