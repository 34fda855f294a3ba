// null when not final
>> {"jsonrpc":"2.0","id":1,"method":"sycee_getRevertReason","params":["0x9999999999999999999999999999999999999999999999999999999999999999"]}
<< {"jsonrpc":"2.0","id":1,"result":null}
