// who and in which transaction
>> {"jsonrpc":"2.0","id":1,"method":"ots_getContractCreator","params":["0x248e85939e48ca12a20cdf80e60d9e3d380ca7f9"]}
<< {"jsonrpc":"2.0","id":1,"result":{"hash":"0x83cb56a1880ea4d3eb7d9dfc30896ff52758ee5055358b36072b1b3f3d4b8a67","creator":"0x1a642f0e3c3af545e7acbd38b07251b3990914f1"}}
