// without percentiles there are no rewards
>> {"jsonrpc":"2.0","id":1,"method":"eth_feeHistory","params":["0x1","0x1"]}
<< {"jsonrpc":"2.0","id":1,"result":{"oldestBlock":"0x1","baseFeePerGas":["0x0","0x0"],"gasUsedRatio":[0.0032005333333333334],"baseFeePerBlobGas":["0x0","0x0"],"blobGasUsedRatio":[0.0]}}
