// bytes that decode to nothing have no sender
>> {"jsonrpc":"2.0","id":1,"method":"sycee_checkTransaction","params":["0x1234"]}
<< {"jsonrpc":"2.0","id":1,"result":{"hash":null,"from":null,"admissible":false,"checks":[{"check":"encoding","passed":false,"error":{"code":-32000,"message":"type 0x12 is not supported here: send type 0 (with chain id), 1, 2 or 4","data":{"reason":"transaction_type_not_supported","actual":18}}}]}}
