// data has an even number of digits
>> {"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["0x123"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid params: transaction must be 0x and an even number of hex digits, found \"0x123\"","data":{"reason":"invalid_parameter","field":"transaction","expected":"0x and an even number of hex digits","actual":"0x123"}}}
