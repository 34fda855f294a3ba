// no native value moves inside
>> {"jsonrpc":"2.0","id":1,"method":"ots_getInternalOperations","params":["0xa956446898c6d4295947456ae62a3b8f740582fe19437523edc89ba734f4a386"]}
<< {"jsonrpc":"2.0","id":1,"result":[]}
