// nobody created a person
>> {"jsonrpc":"2.0","id":1,"method":"ots_getContractCreator","params":["0x1a642f0e3c3af545e7acbd38b07251b3990914f1"]}
<< {"jsonrpc":"2.0","id":1,"result":null}
